/** What buyers read of a raffle, in each language of the chat: the chat's own words, from the API. */
import { Alert, Box, Card, Tab, Tabs, Typography } from "@mui/material";
import { useEffect, useState } from "react";
import { useLocale } from "react-admin";
import { type Json, Problem } from "../api/client";
import { post } from "../api/useApi";
import { ChatText } from "../components/ChatText";
import { LANGUAGES, useText } from "../i18n";
import { explain } from "../i18n/problem";

interface Preview {
  language: string;
  text: string;
  choices: string[];
}

const PAUSE = 500; // milliseconds without a key, after which the preview is asked for

export function CardPreview({ body }: { body: Json }) {
  const text = useText();
  const [language, setLanguage] = useState(useLocale() ?? "en");
  const [cards, setCards] = useState<Preview[]>([]);
  const [failure, setFailure] = useState<unknown>(null);
  const key = JSON.stringify(body);

  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      post<{ cards: Preview[] }>("/raffles/preview", { body: JSON.parse(key), signal: stop.signal }).then(
        ({ data }) => {
          setCards(data.cards);
          setFailure(null);
        },
        (problem) => !stop.signal.aborted && setFailure(problem),
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key]);

  const card = cards.find((one) => one.language === language);
  const unfinished = failure instanceof Problem && failure.status === 422;
  return (
    <Card component="section" sx={{ p: 2, position: { lg: "sticky" }, top: 70 }}>
      <Typography variant="h2">{text("raffles.preview")}</Typography>
      <Tabs
        value={language}
        onChange={(_, one: string) => setLanguage(one)}
        aria-label={text("app.language")}
      >
        {LANGUAGES.map((one) => (
          <Tab key={one.locale} value={one.locale} label={one.name} lang={one.locale} sx={{ minWidth: 0 }} />
        ))}
      </Tabs>
      <Box sx={{ bgcolor: "action.hover", p: 1.5, borderRadius: 2, mt: 1 }} lang={language}>
        {failure !== null && (
          <Alert severity="info" sx={{ mb: card ? 1 : 0 }}>
            {unfinished ? text("raffles.preview_unfinished") : explain(failure, text)}
          </Alert>
        )}
        {card && (
          <>
            <Box sx={{ bgcolor: "background.paper", p: 1.5, borderRadius: 2 }}>
              <ChatText text={card.text} />
            </Box>
            {card.choices.map((choice) => (
              <Box
                key={choice}
                sx={{
                  bgcolor: "background.paper",
                  color: "info.main",
                  p: 1,
                  mt: 0.5,
                  borderRadius: 2,
                  textAlign: "center",
                }}
              >
                {choice}
              </Box>
            ))}
          </>
        )}
      </Box>
    </Card>
  );
}
