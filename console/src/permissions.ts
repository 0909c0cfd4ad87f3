/** What the signed-in role may do: the API says who it is, and refuses whatever it may not. */
import { usePermissions } from "react-admin";
import type { Permissions } from "./api/authProvider";
import { type Role, readMe } from "./api/session";

const ORDER: Role[] = ["viewer", "cashier", "manager"];

/** Return a function that says whether to offer what needs a role. The API decides; this only hides dead ends. */
export function useMay(): (role: Role) => boolean {
  const { permissions } = usePermissions<Permissions | null>();
  const role = permissions?.role ?? readMe()?.role ?? "viewer";
  return (needed) => ORDER.indexOf(role) >= ORDER.indexOf(needed);
}
