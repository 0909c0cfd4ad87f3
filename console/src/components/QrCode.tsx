/** A QR code, drawn as one path: dark on white in both themes, since cameras expect that. */
import { Box } from "@mui/material";
import { encode } from "uqr";

export function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { ecc: "M", border: 2 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <Box
      component="svg"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      sx={{ width: "100%", display: "block", bgcolor: "#fff", borderRadius: 1 }}
      shapeRendering="crispEdges"
    >
      <path d={path} fill="#000" />
    </Box>
  );
}
