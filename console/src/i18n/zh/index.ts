export { bureau } from "./bureau";
export { faults } from "./faults";
export { pages } from "./pages";
export { reasons } from "./reasons";
export { words } from "./words";
