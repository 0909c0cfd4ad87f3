/** Shows what to do when a screen fails, or when its files are those of a console that was replaced meanwhile. */
import { Component, type ReactNode } from "react";
import { Failed } from "./states";

export class CrashBoundary extends Component<{ children: ReactNode }, { failure: unknown }> {
  override state = { failure: null as unknown };

  static getDerivedStateFromError(failure: unknown) {
    return { failure };
  }

  override render() {
    if (this.state.failure === null) return this.props.children;
    return <Failed error={this.state.failure} onRetry={() => window.location.reload()} />;
  }
}
