import "./style.css";

import { view } from "../base/view.js";
import { NGramExplorer } from "./explorer.js";
import { build } from "./view.js";

export default view(NGramExplorer, build);
