/** A list with filters: loading, empty and failed states, and its pages. */
import ChevronLeftIcon from "@mui/icons-material/ChevronLeft";
import ChevronRightIcon from "@mui/icons-material/ChevronRight";
import { Box, Button } from "@mui/material";
import type { ReactNode } from "react";
import { ListBase, type RaRecord, useListContext } from "react-admin";
import { useText } from "../i18n";
import { Screen } from "./Screen";
import { Empty, Failed, Loading } from "./states";

interface Props {
  resource: string;
  name: string;
  actions?: ReactNode;
  filters?: ReactNode;
  children: ReactNode;
  empty: ReactNode;
  /** If nothing is filtered away and there is still nothing. */
  emptyAtAll?: ReactNode;
  filter?: Record<string, unknown>;
}

export function ListScreen(props: Props) {
  return (
    <ListBase resource={props.resource} perPage={50} filter={props.filter} disableAuthentication>
      <Screen title={props.name} name={props.name} actions={props.actions}>
        {props.filters}
        <ListBody empty={props.empty} emptyAtAll={props.emptyAtAll}>
          {props.children}
        </ListBody>
      </Screen>
    </ListBase>
  );
}

export function ListBody({ children, empty, emptyAtAll }: Pick<Props, "children" | "empty" | "emptyAtAll">) {
  const { data, isPending, error, refetch, filterValues, setFilters, page } = useListContext<RaRecord>();
  const text = useText();
  const filtered = Object.keys(filterValues ?? {}).length > 0;
  if (error) return <Failed error={error} onRetry={() => refetch()} />;
  if (isPending) return <Loading />;
  if (!data?.length) {
    const clear = filtered && <Button onClick={() => setFilters({}, {})}>{text("app.clear_filters")}</Button>;
    return (
      <>
        <Empty action={clear}>{filtered || page > 1 ? empty : (emptyAtAll ?? empty)}</Empty>
        <Pager />
      </>
    );
  }
  return (
    <>
      {children}
      <Pager />
    </>
  );
}

function Pager() {
  const { page, setPage, hasNextPage, hasPreviousPage } = useListContext();
  const text = useText();
  if (!hasNextPage && !hasPreviousPage) return null;
  return (
    <Box
      component="nav"
      aria-label={text("app.page", { page })}
      sx={{ display: "flex", gap: 1, mt: 2, alignItems: "center", justifyContent: "center" }}
    >
      <Button startIcon={<ChevronLeftIcon />} disabled={!hasPreviousPage} onClick={() => setPage(page - 1)}>
        {text("app.previous")}
      </Button>
      <span>{text("app.page", { page })}</span>
      <Button endIcon={<ChevronRightIcon />} disabled={!hasNextPage} onClick={() => setPage(page + 1)}>
        {text("app.next")}
      </Button>
    </Box>
  );
}
