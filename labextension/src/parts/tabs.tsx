/** Tabs as the keyboard and a screen reader know them: arrows move between them, only the one shown is in the tab order. */
import * as React from 'react';

export interface Tab {
  name: string;
  label: string;
  content: () => JSX.Element;
}

export function Tabs({ tabs, first, label }: { tabs: Tab[]; first?: string; label: string }): JSX.Element {
  const id = React.useId();
  const [chosen, choose] = React.useState(first ?? tabs[0].name);
  const refs = React.useRef<Record<string, HTMLButtonElement | null>>({});
  const move = (event: React.KeyboardEvent): void => {
    const at = tabs.findIndex(tab => tab.name === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length].name;
      choose(next);
      refs.current[next]?.focus();
    }
  };
  const shown = tabs.find(tab => tab.name === chosen) ?? tabs[0];
  return (
    <>
      <div role="tablist" aria-label={label} className="jp-Mlops-tabs" onKeyDown={move}>
        {tabs.map(tab => (
          <button key={tab.name} ref={node => { refs.current[tab.name] = node; }} role="tab" id={`${id}-${tab.name}`} aria-controls={`${id}-panel`}
            aria-selected={tab.name === chosen} tabIndex={tab.name === chosen ? 0 : -1} onClick={() => choose(tab.name)}>{tab.label}</button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${shown.name}`} className="jp-Mlops-tabpanel" key={shown.name}>{shown.content()}</div>
    </>
  );
}
