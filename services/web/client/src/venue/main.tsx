import { createRoot } from "react-dom/client";
import "../shared/base.css";
createRoot(document.getElementById("root")!).render(<main />);
