/** The frame of every screen: bar, menu, what is wrong with the connection, and a thumb's menu on a phone. */
import AccountBalanceIcon from "@mui/icons-material/AccountBalanceOutlined";
import ConfirmationNumberIcon from "@mui/icons-material/ConfirmationNumberOutlined";
import FactCheckIcon from "@mui/icons-material/FactCheckOutlined";
import HistoryIcon from "@mui/icons-material/HistoryOutlined";
import HomeIcon from "@mui/icons-material/HomeOutlined";
import KeyIcon from "@mui/icons-material/KeyOutlined";
import MarkEmailUnreadIcon from "@mui/icons-material/MarkEmailUnreadOutlined";
import MenuIcon from "@mui/icons-material/Menu";
import PeopleIcon from "@mui/icons-material/PeopleOutlined";
import ReceiptLongIcon from "@mui/icons-material/ReceiptLongOutlined";
import SettingsIcon from "@mui/icons-material/SettingsOutlined";
import {
  Alert,
  AppBar,
  BottomNavigation,
  BottomNavigationAction,
  Box,
  Drawer,
  List,
  ListItem,
  ListItemButton,
  ListItemIcon,
  ListItemText,
  Toolbar,
  Typography,
  useMediaQuery,
  useTheme,
} from "@mui/material";
import { type ReactNode, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { Link, useLocation } from "react-router-dom";
import { onSession, readToken } from "../api/session";
import { CrashBoundary } from "../components/CrashBoundary";
import { Loading } from "../components/states";
import { type TextKey, useText } from "../i18n";
import { useMay } from "../permissions";
import { SignIn } from "../signIn";
import { AccountMenu } from "./AccountMenu";

interface Entry {
  to: string;
  label: TextKey;
  icon: ReactNode;
  role?: "manager";
}

const ENTRIES: Entry[] = [
  { to: "/", label: "menu.home", icon: <HomeIcon /> },
  { to: "/review", label: "menu.review", icon: <FactCheckIcon /> },
  { to: "/orders", label: "menu.orders", icon: <ReceiptLongIcon /> },
  { to: "/raffles", label: "menu.raffles", icon: <ConfirmationNumberIcon /> },
  { to: "/contacts", label: "menu.contacts", icon: <PeopleIcon /> },
  { to: "/money", label: "menu.money", icon: <AccountBalanceIcon /> },
  { to: "/undelivered", label: "menu.messages", icon: <MarkEmailUnreadIcon /> },
  { to: "/audit", label: "menu.audit", icon: <HistoryIcon /> },
  { to: "/tokens", label: "menu.tokens", icon: <KeyIcon />, role: "manager" },
  { to: "/settings", label: "menu.settings", icon: <SettingsIcon /> },
];
const THUMB = 4; // entries of the thumb's menu; the fifth opens all

const isAt = (entry: Entry, path: string) =>
  entry.to === "/" ? path === "/" : path === entry.to || path.startsWith(`${entry.to}/`);

export function ConsoleLayout({ children }: { children: ReactNode }) {
  const token = useSyncExternalStore(onSession, readToken);
  // At the same address, so that whoever signs in is where they wanted to be.
  return token ? <Frame>{children}</Frame> : <SignIn />;
}

function Frame({ children }: { children: ReactNode }) {
  const text = useText();
  const theme = useTheme();
  const isPhone = useMediaQuery(theme.breakpoints.down("md"), { noSsr: true });
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  const may = useMay();
  const entries = ENTRIES.filter((entry) => !entry.role || may(entry.role));

  // biome-ignore lint/correctness/useExhaustiveDependencies: another screen closes the menu
  useEffect(() => setOpen(false), [pathname]);

  const menu = (
    <List sx={{ width: { xs: 260, md: 196 } }}>
      {entries.map((entry) => (
        <ListItem key={entry.to} disablePadding>
          <ListItemButton
            component={Link}
            to={entry.to}
            selected={isAt(entry, pathname)}
            aria-current={isAt(entry, pathname) ? "page" : undefined}
            sx={{ borderRadius: 2, mx: 1, minHeight: 44 }}
          >
            <ListItemIcon sx={{ minWidth: 40, color: "inherit" }}>{entry.icon}</ListItemIcon>
            <ListItemText primary={text(entry.label)} />
          </ListItemButton>
        </ListItem>
      ))}
    </List>
  );
  const thumb = entries.slice(0, THUMB);
  const at = thumb.findIndex((entry) => isAt(entry, pathname));
  return (
    <Box sx={{ minHeight: "100dvh", bgcolor: "background.default", color: "text.primary" }}>
      <AppBar
        position="sticky"
        color="default"
        elevation={0}
        sx={{ borderBottom: 1, borderColor: "divider", bgcolor: "background.paper" }}
      >
        <Toolbar variant="dense" sx={{ minHeight: 52, gap: 1 }}>
          <Typography
            component={Link}
            to="/"
            variant="h6"
            sx={{ color: "text.primary", textDecoration: "none", fontWeight: 700 }}
          >
            Tombola
          </Typography>
          <Box id="screen-title" sx={{ flex: 1 }} />
          <AccountMenu />
        </Toolbar>
      </AppBar>
      <Box sx={{ display: "flex" }}>
        {!isPhone && (
          <Box
            component="nav"
            aria-label={text("menu.main")}
            sx={{ position: "sticky", top: 53, alignSelf: "flex-start", py: 1, flexShrink: 0 }}
          >
            {menu}
          </Box>
        )}
        <Box
          component="main"
          id="main-content"
          sx={{ flex: 1, minWidth: 0, p: { xs: 1.5, md: 2.5 }, pb: { xs: 11, md: 3 } }}
        >
          <Offline />
          <CrashBoundary key={pathname.split("/")[1]}>
            <Suspense fallback={<Loading />}>{children}</Suspense>
          </CrashBoundary>
        </Box>
      </Box>
      {isPhone && (
        <>
          <Drawer open={open} onClose={() => setOpen(false)} anchor="right">
            {menu}
          </Drawer>
          <BottomNavigation
            component="nav"
            aria-label={text("menu.main")}
            showLabels
            value={at}
            sx={{
              position: "fixed",
              insetInline: 0,
              bottom: 0,
              zIndex: "appBar",
              borderTop: 1,
              borderColor: "divider",
              height: "calc(60px + env(safe-area-inset-bottom))",
              pb: "env(safe-area-inset-bottom)",
            }}
          >
            {thumb.map((entry) => (
              <BottomNavigationAction
                key={entry.to}
                component={Link}
                to={entry.to}
                label={text(entry.label)}
                icon={entry.icon}
                sx={{ minWidth: 0, px: 0.5 }}
              />
            ))}
            <BottomNavigationAction
              label={text("app.more")}
              icon={<MenuIcon />}
              onClick={() => setOpen(true)}
              sx={{ minWidth: 0, px: 0.5 }}
            />
          </BottomNavigation>
        </>
      )}
    </Box>
  );
}

function Offline() {
  const text = useText();
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    return () => {
      window.removeEventListener("online", look);
      window.removeEventListener("offline", look);
    };
  }, []);
  if (online) return null;
  return (
    <Alert severity="warning" sx={{ mb: 2 }}>
      {text("app.offline")}
    </Alert>
  );
}
