// Before the first paint: the theme chosen here, else that of the JupyterLab around us, else the system's.
(() => {
  const root = document.documentElement, system = matchMedia('(prefers-color-scheme: dark)');
  const lab = () => { try { return parent !== window && parent.document.body.dataset.jpThemeLight; } catch { return null; } };
  const kept = () => { try { return localStorage.getItem('mx-theme'); } catch { return null; } };
  const show = () => {
    const around = lab();
    root.dataset.mxTheme = around ? (around === 'false' ? 'dark' : 'light') : kept() || (system.matches ? 'dark' : 'light');
  };
  show();
  system.addEventListener('change', show);
  if (lab()) new MutationObserver(show).observe(parent.document.body, { attributeFilter: ['data-jp-theme-light'] });
  window.mxToggle = () => {
    const next = root.dataset.mxTheme === 'dark' ? 'light' : 'dark';
    try { localStorage.setItem('mx-theme', next); } catch { /* a private window forgets */ }
    root.dataset.mxTheme = next;
  };
  if (lab()) root.dataset.mxInLab = '';
})();
