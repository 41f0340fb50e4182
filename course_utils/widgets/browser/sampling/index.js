import "./style.css";

import { view } from "../base/view.js";
import { SamplingExplorer } from "./explorer.js";
import { build } from "./view.js";

export default view(SamplingExplorer, build);
