/** Signing in and out. What a role may do is the API's answer to `GET /api/me`: no rule lives here. */
import type { AuthProvider } from "react-admin";
import { request } from "./client";
import { endSession, type Me, type Role, readMe, readToken, startSession } from "./session";

export interface Permissions {
  role: Role;
}

export const authProvider: AuthProvider = {
  async login({ token }: { token: string }) {
    const { data } = await request<Me>("/me", { token: token.trim() });
    startSession(token.trim(), data);
  },
  async logout() {
    endSession(true);
  },
  // Who is not signed in never sees a screen that needs it: ConsoleLayout sends them to the sign-in page.
  async checkAuth() {},
  async checkError() {},
  async getIdentity() {
    const me = readMe();
    return { id: me?.token ?? "", fullName: me?.name ?? "" };
  },
  async getPermissions(): Promise<Permissions | null> {
    const token = readToken();
    if (!token) return null;
    const { data } = await request<Me>("/me");
    startSession(token, data);
    return { role: data.role };
  },
};
