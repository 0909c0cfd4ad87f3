/** Puts the console together: a folder for each resource, and the screens that belong to none. */
import { QueryClient } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Admin, CustomRoutes, type I18nProvider, memoryStore, Resource } from "react-admin";
import { Route } from "react-router-dom";
import { authProvider } from "./api/authProvider";
import { Problem } from "./api/client";
import { makeDataProvider } from "./api/dataProvider";
import audit from "./audit";
import { Loading } from "./components/states";
import contacts from "./contacts";
import { ConsoleLayout } from "./layout";
import messages from "./messages";
import orders from "./orders";
import raffles from "./raffles";
import { chosenTheme, darkTheme, lightTheme } from "./theme";
import tokens from "./tokens";

const Home = lazy(() => import("./home/Home"));
const Money = lazy(() => import("./money/Money"));
const Settings = lazy(() => import("./settings/Settings"));
const SignInLink = lazy(() => import("./signIn/SignInLink"));
const Review = lazy(() => import("./review/Review"));

const dataProvider = makeDataProvider();
const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // A refusal stays one; only the network and an overloaded server are worth another try.
      retry: (failures, error) =>
        failures < 2 && error instanceof Problem && (error.status === 0 || error.status === 429),
      staleTime: 5000,
    },
    mutations: { retry: false },
  },
});

export function App({ i18nProvider }: { i18nProvider: I18nProvider }) {
  return (
    <Admin
      title="Tombola"
      authProvider={authProvider}
      dataProvider={dataProvider}
      i18nProvider={i18nProvider}
      queryClient={queryClient}
      store={memoryStore()}
      dashboard={Home}
      layout={ConsoleLayout}
      loginPage={false}
      theme={lightTheme}
      darkTheme={darkTheme}
      defaultTheme={chosenTheme()}
      disableTelemetry
    >
      <Resource name="orders" {...orders} />
      <Resource name="raffles" {...raffles} />
      <Resource name="contacts" {...contacts} />
      <Resource name="undelivered" {...messages} />
      <Resource name="audit" {...audit} />
      <Resource name="tokens" {...tokens} />
      <CustomRoutes>
        <Route path="/review" element={<Review />} />
        <Route path="/review/:code" element={<Review />} />
        <Route path="/money" element={<Money />} />
        <Route path="/settings" element={<Settings />} />
      </CustomRoutes>
      <CustomRoutes noLayout>
        <Route
          path="/sign-in/:secret"
          element={
            <Suspense fallback={<Loading />}>
              <SignInLink />
            </Suspense>
          }
        />
      </CustomRoutes>
    </Admin>
  );
}
