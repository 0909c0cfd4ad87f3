/** Who is signed in, the language, the theme, and the way out. */
import AccountCircleIcon from "@mui/icons-material/AccountCircleOutlined";
import DarkModeIcon from "@mui/icons-material/DarkModeOutlined";
import LightModeIcon from "@mui/icons-material/LightModeOutlined";
import LogoutIcon from "@mui/icons-material/LogoutOutlined";
import TranslateIcon from "@mui/icons-material/Translate";
import { Divider, IconButton, ListItemIcon, ListItemText, Menu, MenuItem, Tooltip } from "@mui/material";
import { useQueryClient } from "@tanstack/react-query";
import { type MouseEvent, useState } from "react";
import { useGetIdentity, usePermissions, useSetLocale, useTheme } from "react-admin";
import type { Permissions } from "../api/authProvider";
import { endSession } from "../api/session";
import { LANGUAGES, rememberLanguage, type TextKey, useText } from "../i18n";
import { rememberTheme } from "../theme";

export function AccountMenu() {
  const text = useText();
  const queries = useQueryClient();
  const signOut = () => {
    endSession(true);
    queries.clear(); // whoever comes next must not see what was read before
  };
  const setLocale = useSetLocale();
  const [theme, setTheme] = useTheme();
  const { identity } = useGetIdentity();
  const { permissions } = usePermissions<Permissions | null>();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const name = text("app.signed_in_as", { name: identity?.fullName ?? "" });
  const other = theme === "dark" ? "light" : "dark";
  return (
    <>
      <Tooltip title={name}>
        <IconButton
          aria-label={name}
          aria-haspopup="menu"
          onClick={(event: MouseEvent<HTMLElement>) => setAnchor(event.currentTarget)}
        >
          <AccountCircleIcon />
        </IconButton>
      </Tooltip>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        <MenuItem disabled sx={{ "&.Mui-disabled": { opacity: 1 } }}>
          <ListItemText
            primary={identity?.fullName}
            secondary={
              permissions && text("app.role", { role: text(`roles.${permissions.role}` as TextKey) })
            }
          />
        </MenuItem>
        <Divider />
        {LANGUAGES.map(({ locale, name: language }) => (
          <MenuItem
            key={locale}
            lang={locale}
            onClick={async () => {
              await setLocale(locale);
              rememberLanguage(locale);
              setAnchor(null);
            }}
          >
            <ListItemIcon>
              <TranslateIcon fontSize="small" />
            </ListItemIcon>
            {language}
          </MenuItem>
        ))}
        <Divider />
        <MenuItem
          onClick={() => {
            rememberTheme(other);
            setTheme(other);
            setAnchor(null);
          }}
        >
          <ListItemIcon>
            {other === "dark" ? <DarkModeIcon fontSize="small" /> : <LightModeIcon fontSize="small" />}
          </ListItemIcon>
          {text(`app.theme_${other}`)}
        </MenuItem>
        <MenuItem onClick={signOut}>
          <ListItemIcon>
            <LogoutIcon fontSize="small" />
          </ListItemIcon>
          {text("sign_in.sign_out")}
        </MenuItem>
      </Menu>
    </>
  );
}
