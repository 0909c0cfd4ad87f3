/** Starts the console: language, styles with the page's nonce, and the application. */
import createCache from "@emotion/cache";
import { CacheProvider } from "@emotion/react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { firstLanguage, makeI18nProvider } from "./i18n";

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
const styles = createCache({ key: "css", nonce, prepend: true });
const root = document.getElementById("root");

makeI18nProvider(firstLanguage()).then((i18nProvider) => {
  if (root)
    createRoot(root).render(
      <CacheProvider value={styles}>
        <App i18nProvider={i18nProvider} />
      </CacheProvider>,
    );
});
