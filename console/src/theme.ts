/** How the console looks, in the light and in the dark. Contrasts are at least 4.5:1. */
import { defaultDarkTheme, defaultLightTheme, type RaThemeOptions } from "react-admin";

const TOUCH = 44; // pixels: what a thumb hits

const common: RaThemeOptions = {
  ...defaultLightTheme,
  shape: { borderRadius: 10 },
  typography: {
    fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
    h1: { fontSize: "1.5rem", fontWeight: 650 },
    h2: { fontSize: "1.15rem", fontWeight: 650 },
    h3: { fontSize: "1rem", fontWeight: 650 },
    button: { textTransform: "none", fontWeight: 600 },
  },
  sidebar: { width: 200, closedWidth: 56 },
  components: {
    MuiButton: {
      defaultProps: { disableElevation: true },
      styleOverrides: { root: { minHeight: TOUCH } },
    },
    MuiIconButton: { styleOverrides: { root: { minWidth: TOUCH, minHeight: TOUCH } } },
    MuiMenuItem: { styleOverrides: { root: { minHeight: TOUCH } } },
    MuiTextField: { defaultProps: { variant: "outlined", size: "small", margin: "none", fullWidth: true } },
    MuiFormControl: { defaultProps: { variant: "outlined", size: "small", margin: "none" } },
    MuiOutlinedInput: { styleOverrides: { root: { minHeight: TOUCH } } },
    MuiToggleButton: { styleOverrides: { root: { minHeight: TOUCH, textTransform: "none" } } },
    MuiTab: { styleOverrides: { root: { minHeight: TOUCH, textTransform: "none" } } },
    MuiCheckbox: { styleOverrides: { root: { minWidth: TOUCH, minHeight: TOUCH } } },
    MuiCard: { defaultProps: { variant: "outlined" } },
    MuiTableCell: { styleOverrides: { head: { fontWeight: 650 } } },
  },
};

export const lightTheme: RaThemeOptions = {
  ...common,
  palette: {
    mode: "light",
    primary: { main: "#0b6e4f", contrastText: "#ffffff" },
    secondary: { main: "#0b6e4f", contrastText: "#ffffff" },
    error: { main: "#b3261e" },
    warning: { main: "#8a5300" },
    success: { main: "#0b6e4f" },
    info: { main: "#1a5fa8" },
    background: { default: "#f6f7f5", paper: "#ffffff" },
    text: { primary: "#1b1f1d", secondary: "#535b57" },
  },
};

export const darkTheme: RaThemeOptions = {
  ...common,
  palette: {
    ...defaultDarkTheme.palette,
    mode: "dark",
    primary: { main: "#6ed3ac", contrastText: "#06281c" },
    secondary: { main: "#6ed3ac", contrastText: "#06281c" },
    error: { main: "#ffb4ab", contrastText: "#3b0906" },
    warning: { main: "#ffc776", contrastText: "#2e1b00" },
    success: { main: "#6ed3ac", contrastText: "#06281c" },
    info: { main: "#9ecbff", contrastText: "#06233f" },
    background: { default: "#121614", paper: "#1c211f" },
    text: { primary: "#e8ecea", secondary: "#b2bbb7" },
  },
};

const CHOSEN = "tombola.theme";

/** The theme that was chosen on this device, or else the system's. */
export function chosenTheme(): "light" | "dark" {
  const chosen = localStorage.getItem(CHOSEN);
  if (chosen === "light" || chosen === "dark") return chosen;
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export const rememberTheme = (theme: "light" | "dark"): void => localStorage.setItem(CHOSEN, theme);
