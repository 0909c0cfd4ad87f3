/** A screen: its title, what can be done on it, and its content. */
import { Box, Typography } from "@mui/material";
import { type ReactNode, useEffect } from "react";

export function Screen(props: { title: ReactNode; name: string; actions?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${props.name} · Tombola`;
  }, [props.name]);
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, mb: 2 }}>
        <Typography variant="h1" sx={{ flex: 1, minWidth: 0, overflowWrap: "anywhere" }}>
          {props.title}
        </Typography>
        {props.actions}
      </Box>
      {props.children}
    </>
  );
}
