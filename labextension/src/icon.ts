import { LabIcon } from '@jupyterlab/ui-components';

/** A loop that goes through a model. */
export const icon = new LabIcon({
  name: 'jupyter-mlops:icon',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16"><g class="jp-icon3" fill="#616161">' +
    '<path d="M12 3a9 9 0 0 1 8.5 6h-2.2A7 7 0 0 0 5.6 9.2L8 11H2V5l2.1 2.6A9 9 0 0 1 12 3z"/>' +
    '<path d="M12 21a9 9 0 0 1-8.5-6h2.2a7 7 0 0 0 12.7-.2L16 13h6v6l-2.1-2.6A9 9 0 0 1 12 21z"/>' +
    '<circle cx="12" cy="12" r="2.6"/></g></svg>'
});
