// The app of those who ask and those who serve: a shell that opens at once, and pages that load when they are looked at.
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Component, type ReactNode, StrictMode, Suspense, lazy, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Refused } from "../shared/api";
import { speak, t, useLanguage } from "../shared/language";
import { usePlace } from "../shared/router";
import { type Session, session } from "../shared/session";
import "../shared/theme";
import "../shared/base.css";
import "./venue.css";
import { Frame } from "./frame";
import { Home } from "./home";
import { onSent, startOutbox } from "./outbox";
import { Bones, Wrong } from "./parts";
import { Who, ended, isExpert, mayFile, whoIsThere } from "./who";
import { venueWords } from "./words";

speak(venueWords);

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: ended }),
  mutationCache: new MutationCache({ onError: ended }),
  defaultOptions: {
    queries: {
      networkMode: "always",
      staleTime: 15_000,
      retry: (count, error) => count < 2 && error instanceof Refused && (error.status === 0 || error.status >= 500),
      retryDelay: (count) => 500 * 2 ** count,
    },
  },
});

const Filing = lazy(() => import("./filing"));
const RequestPage = lazy(() => import("./request"));
const Me = lazy(() => import("./me"));
const Offers = lazy(() => import("./expert").then((part) => ({ default: part.Offers })));
const Limits = lazy(() => import("./expert").then((part) => ({ default: part.Limits })));
const Served = lazy(() => import("./expert").then((part) => ({ default: part.Served })));

function page(path: string, who: Session): ReactNode {
  const parts = path.split("/").slice(2).filter(Boolean);
  const [first, id, verb] = parts;
  if (!first) return isExpert(who) && !mayFile(who) ? <Offers /> : <Home />;
  if (first === "new" && !id) return <Filing key="new" />;
  if (first === "requests" && id && !verb) return <RequestPage key={id} id={id} />;
  if (first === "requests" && id && (verb === "edit" || verb === "change")) return <Filing key={path} id={id} change={verb === "change"} />;
  if (first === "limits" && !id) return <Limits />;
  if (first === "record" && !id) return <Served />;
  if (first === "me" && !id) return <Me />;
  return <h1 className="empty small">{t("page.none")}</h1>;
}

/** A page that fails, as when its file is of a version that is gone, says so and can be loaded again. */
class Whole extends Component<{ children: ReactNode }, { broken: boolean }> {
  state = { broken: false };
  static getDerivedStateFromError = () => ({ broken: true });
  render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div className="empty" role="alert">
        <p>{t("app.broken")}</p>
        <button type="button" className="big" onClick={() => location.reload()}>
          {t("app.reload")}
        </button>
      </div>
    );
  }
}

function App() {
  useLanguage();
  const { path } = usePlace();
  const [who, setWho] = useState<Session | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const open = () => {
    setError(null);
    whoIsThere().then(
      (found) => {
        if (!found) return; // on the way to the sign-in page
        setWho(found.who);
        startOutbox();
        if (!found.fresh) addEventListener("online", () => void session().catch(() => undefined), { once: true });
      },
      (failed: Error) => setError(failed),
    );
  };
  useEffect(open, []);
  useEffect(() => {
    const stop = onSent(() => void queries.invalidateQueries());
    return () => void stop();
  }, []);
  if (error)
    return (
      <main className="alone">
        <Wrong error={error} again={open} />
      </main>
    );
  if (!who) return <Frame who={null}><Bones rows={4} /></Frame>;
  return (
    <Who.Provider value={who}>
      <Frame who={who}>
        <Whole key={path}>
          <Suspense fallback={<Bones rows={4} />}>{page(path, who)}</Suspense>
        </Whole>
      </Frame>
    </Who.Provider>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);

if ("serviceWorker" in navigator) addEventListener("load", () => void navigator.serviceWorker.register("/app/sw.js", { scope: "/app" }).catch(() => undefined));
