import{c as t,j as e}from"./react-DjuPyMir.js";/* empty css             */t.createRoot(document.getElementById("root")).render(e.jsx("main",{}));
