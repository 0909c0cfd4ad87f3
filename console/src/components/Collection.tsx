/** Rows of a list: a table, or cards below 600 pixels. */
import {
  Box,
  Card,
  Checkbox,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableRow,
  Typography,
  useMediaQuery,
  useTheme,
} from "@mui/material";
import type { ReactNode } from "react";
import { Link } from "react-router-dom";
import { useText } from "../i18n";

export interface Column<T> {
  label: string;
  value: (row: T) => ReactNode;
  align?: "right";
  /** Not on a card, since its title says it. */
  tableOnly?: boolean;
}

interface Selection {
  ids: readonly string[];
  toggle: (id: string) => void;
  toggleAll: () => void;
  label: (id: string) => string;
  labelAll: string;
}

interface Props<T> {
  rows: readonly T[];
  label: string;
  columns: Column<T>[];
  title: (row: T) => ReactNode;
  titleLabel: string;
  to?: (row: T) => string;
  badge?: (row: T) => ReactNode;
  selection?: Selection;
  actions?: (row: T) => ReactNode;
}

const LINK = {
  color: "primary.main",
  fontWeight: 650,
  textDecoration: "none",
  "&:hover": { textDecoration: "underline" },
};

export function Collection<T extends { id: string | number }>(props: Props<T>) {
  const isPhone = useMediaQuery(useTheme().breakpoints.down("sm"), { noSsr: true });
  return isPhone ? <Cards {...props} /> : <Rows {...props} />;
}

function Title<T extends { id: string | number }>({
  row,
  to,
  title,
  stretched,
}: Props<T> & { row: T; stretched?: boolean }) {
  if (!to)
    return (
      <Typography component="span" sx={{ fontWeight: 650 }}>
        {title(row)}
      </Typography>
    );
  return (
    <Box
      component={Link}
      to={to(row)}
      sx={stretched ? { ...LINK, "&::after": { content: '""', position: "absolute", inset: 0 } } : LINK}
    >
      {title(row)}
    </Box>
  );
}

function Cards<T extends { id: string | number }>(props: Props<T>) {
  const { rows, label, columns, badge, selection, actions } = props;
  return (
    <Box component="ul" aria-label={label} sx={{ listStyle: "none", p: 0, m: 0, display: "grid", gap: 1 }}>
      {rows.map((row) => (
        <Card component="li" key={row.id} sx={{ position: "relative", p: 1.5, minHeight: 44 }}>
          <Box sx={{ display: "flex", alignItems: "center", gap: 1, mb: 0.5 }}>
            {selection && <Selector selection={selection} id={String(row.id)} />}
            <Box sx={{ flex: 1, minWidth: 0, overflowWrap: "anywhere" }}>
              <Title {...props} row={row} stretched />
            </Box>
            {badge?.(row)}
          </Box>
          <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: "auto 1fr", columnGap: 1.5 }}>
            {columns
              .filter((column) => !column.tableOnly)
              .map((column) => (
                <Box key={column.label} sx={{ display: "contents" }}>
                  <Typography component="dt" variant="body2" sx={{ color: "text.secondary" }}>
                    {column.label}
                  </Typography>
                  <Typography
                    component="dd"
                    variant="body2"
                    sx={{ m: 0, minWidth: 0, overflowWrap: "anywhere" }}
                  >
                    {column.value(row)}
                  </Typography>
                </Box>
              ))}
          </Box>
          {actions && <Box sx={{ position: "relative", zIndex: 1, mt: 1 }}>{actions(row)}</Box>}
        </Card>
      ))}
    </Box>
  );
}

function Rows<T extends { id: string | number }>(props: Props<T>) {
  const text = useText();
  const { rows, label, columns, titleLabel, badge, selection, actions } = props;
  return (
    <Card sx={{ overflowX: "auto" }} tabIndex={-1}>
      <Table size="small" aria-label={label}>
        <TableHead>
          <TableRow>
            {selection && (
              <TableCell padding="checkbox">
                <Checkbox
                  checked={rows.length > 0 && rows.every((row) => selection.ids.includes(String(row.id)))}
                  onChange={selection.toggleAll}
                  slotProps={{ input: { "aria-label": selection.labelAll } }}
                />
              </TableCell>
            )}
            <TableCell>{titleLabel}</TableCell>
            {columns.map((column) => (
              <TableCell key={column.label} align={column.align}>
                {column.label}
              </TableCell>
            ))}
            {actions && <TableCell>{text("orders.actions")}</TableCell>}
          </TableRow>
        </TableHead>
        <TableBody>
          {rows.map((row) => (
            <TableRow key={row.id} hover sx={{ height: 48 }}>
              {selection && (
                <TableCell padding="checkbox">
                  <Selector selection={selection} id={String(row.id)} />
                </TableCell>
              )}
              <TableCell>
                <Title {...props} row={row} /> {badge?.(row)}
              </TableCell>
              {columns.map((column) => (
                <TableCell key={column.label} align={column.align} sx={{ overflowWrap: "anywhere" }}>
                  {column.value(row)}
                </TableCell>
              ))}
              {actions && <TableCell align="right">{actions(row)}</TableCell>}
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </Card>
  );
}

function Selector({ selection, id }: { selection: Selection; id: string }) {
  return (
    <Checkbox
      sx={{ position: "relative", zIndex: 1, ml: -1 }}
      checked={selection.ids.includes(id)}
      onChange={() => selection.toggle(id)}
      slotProps={{ input: { "aria-label": selection.label(id) } }}
    />
  );
}
