export { pages } from "./pages";
export { reasons } from "./reasons";
export { words } from "./words";
