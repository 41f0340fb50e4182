import "./style.css";

import { view } from "../base/view.js";
import { ComputeExplorer } from "./explorer.js";
import { build } from "./view.js";

export default view(ComputeExplorer, build);
