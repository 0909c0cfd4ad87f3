/** What moves a raffle along: on sale, paused, ended, called off, deleted. */

import MoreVertIcon from "@mui/icons-material/MoreVert";
import { Button, Menu, MenuItem } from "@mui/material";
import { type MouseEvent, useState } from "react";
import { useNavigate } from "react-router-dom";
import { request } from "../api/client";
import type { Raffle, RaffleStatus } from "../api/types";
import { post } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { useText } from "../i18n";

export type Move = "activate" | "deactivate" | "close" | "cancel" | "delete";

export const MOVES: Record<RaffleStatus, Move[]> = {
  DRAFT: ["activate", "cancel", "delete"],
  ACTIVE: ["deactivate", "close", "cancel"],
  INACTIVE: ["activate", "close", "cancel"],
  CLOSED: ["cancel"],
  DRAWN: [],
  CANCELLED: [],
};

interface DialogProps {
  raffle: Raffle;
  move: Move | null;
  onClose: () => void;
}

export function MoveDialog({ raffle, move, onClose }: DialogProps) {
  const text = useText();
  const navigate = useNavigate();
  const [shown, setShown] = useState<Move>("activate");
  if (move !== null && move !== shown) setShown(move);
  const run = async () => {
    const path = `/raffles/${raffle.id}`;
    if (shown === "delete") {
      await request(path, { method: "DELETE", etag: raffle.etag });
      navigate("/raffles");
    } else await post(`${path}/${shown}`, { etag: raffle.etag });
    return text("raffles.done");
  };
  return (
    <ActionDialog
      open={move !== null}
      onClose={onClose}
      title={`${text(`raffles.${shown}`)} · ${raffle.code}`}
      text={text(`raffles.${shown}_text`)}
      confirm={text(`raffles.${shown}`)}
      danger={shown === "cancel" || shown === "delete" || shown === "close"}
      run={run}
    />
  );
}

/** The usual next move as a button, all others in a menu. */
export function MoveMenu({ raffle }: { raffle: Raffle }) {
  const text = useText();
  const [move, setMove] = useState<Move | null>(null);
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [first, ...others] = MOVES[raffle.status];
  return (
    <>
      {first && first !== "cancel" && first !== "activate" && (
        <Button variant="outlined" onClick={() => setMove(first)}>
          {text(`raffles.${first}`)}
        </Button>
      )}
      {others.length > 0 && (
        <Button
          startIcon={<MoreVertIcon />}
          aria-haspopup="menu"
          onClick={(event: MouseEvent<HTMLElement>) => setAnchor(event.currentTarget)}
        >
          {text("app.more")}
        </Button>
      )}
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {others.map((one) => (
          <MenuItem
            key={one}
            onClick={() => {
              setMove(one);
              setAnchor(null);
            }}
          >
            {text(`raffles.${one}`)}
          </MenuItem>
        ))}
      </Menu>
      <MoveDialog raffle={raffle} move={move} onClose={() => setMove(null)} />
    </>
  );
}
