import { lazy } from "react";

export default {
  list: lazy(() => import("./ContactList")),
  show: lazy(() => import("./ContactShow")),
};
