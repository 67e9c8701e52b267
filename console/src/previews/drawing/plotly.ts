import "./styles";
import Plotly from "plotly.js-strict-dist-min";
import type { JsonObject } from "../../api/types";
import { serve } from "./exchange";

serve(async (place, figure) => {
  await Plotly.newPlot(place, figure.data, { ...(figure.layout as JsonObject) }, { displayModeBar: false, responsive: true });
});
