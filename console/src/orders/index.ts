import { lazy } from "react";

export default {
  list: lazy(() => import("./OrderList")),
  show: lazy(() => import("./OrderShow")),
};
