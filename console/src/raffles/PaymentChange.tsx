/** Another way to pay that one manager has proposed, for a second one to confirm. */
import { Alert, AlertTitle, Button, Typography } from "@mui/material";
import { useState } from "react";
import { useLocale } from "react-admin";
import type { Raffle } from "../api/types";
import { post, useApi } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { moment } from "../format";
import { useText } from "../i18n";
import { useMay } from "../permissions";

interface Proposal {
  payment_instructions: string;
  proposed_by: string;
  valid_until: string;
  confirmed_by: string | null;
}

export function PaymentChange({ raffle }: { raffle: Raffle }) {
  const text = useText();
  const may = useMay();
  const locale = useLocale() ?? "en";
  const [asking, setAsking] = useState(false);
  // None is proposed: 404, which is no problem here.
  const { data } = useApi<Proposal>(`/raffles/${raffle.id}/payment-change`);
  if (!data || data.confirmed_by) return null;
  const when = moment(data.valid_until, locale, new Date(), raffle.time_zone);
  return (
    <Alert
      severity="warning"
      action={
        may("manager") && (
          <Button color="inherit" onClick={() => setAsking(true)}>
            {text("raffles.confirm_change")}
          </Button>
        )
      }
    >
      <AlertTitle>{text("raffles.change_proposed", { who: data.proposed_by, when })}</AlertTitle>
      <Typography sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {data.payment_instructions}
      </Typography>
      <ActionDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={text("raffles.confirm_change")}
        text={data.payment_instructions}
        confirm={text("raffles.confirm_change")}
        run={async () => {
          const body = { payment_instructions: data.payment_instructions };
          await post(`/raffles/${raffle.id}/payment-change`, { body });
          return text("raffles.done");
        }}
      />
    </Alert>
  );
}
