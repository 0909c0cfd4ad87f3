import { lazy } from "react";

export default {
  list: lazy(() => import("./RaffleList")),
  show: lazy(() => import("./RaffleShow")),
  create: lazy(() => import("./RaffleCreate")),
  edit: lazy(() => import("./RaffleEdit")),
};
