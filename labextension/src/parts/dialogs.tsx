/** Questions to a person: a decision is never made without its reason. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

export interface Question {
  name: string;
  label: string;
  placeholder?: string;
  value?: string;
  lines?: number;
}

/** The fields of a dialog, all of them needed. */
class Questions extends Widget implements Dialog.IBodyWidget<Record<string, string>> {
  constructor(about: string, private questions: Question[]) {
    super();
    this.addClass('jp-Mlops-questions');
    const said = document.createElement('p');
    said.textContent = about;
    this.node.append(said);
    for (const question of questions) {
      this.node.append(...this.field(question));
    }
  }

  getValue(): Record<string, string> {
    return Object.fromEntries(this.questions.map(q => [q.name, this.inputs[q.name].value.trim()]));
  }

  protected onAfterAttach(): void {
    this.check();
    requestAnimationFrame(() => this.inputs[this.questions[0].name].focus());
  }

  private field(question: Question): Node[] {
    const label = document.createElement('label');
    const input = document.createElement(question.lines === 1 ? 'input' : 'textarea');
    label.textContent = question.label;
    label.htmlFor = input.id = `jp-mlops-${question.name}`;
    input.value = question.value ?? '';
    input.placeholder = question.placeholder ?? '';
    input.className = 'jp-mod-styled';
    input.required = true;
    if (input instanceof HTMLTextAreaElement) {
      input.rows = question.lines ?? 3;
    }
    input.addEventListener('input', () => this.check());
    this.inputs[question.name] = input;
    return [label, input];
  }

  /** The dialog's own button waits until everything is answered. */
  private check(): void {
    const accept = this.node.closest('.jp-Dialog')?.querySelector<HTMLButtonElement>('.jp-mod-accept');
    if (accept) {
      accept.disabled = Object.values(this.getValue()).some(text => text === '');
    }
  }

  private inputs: Record<string, HTMLInputElement | HTMLTextAreaElement> = {};
}

export interface Asked {
  title: string;
  about: string;
  accept: string;
  warn?: boolean;
  questions: Question[];
}

/** The answers, all of them filled in; null when the person thought better of it. */
export async function ask(asked: Asked): Promise<Record<string, string> | null> {
  const body = new Questions(asked.about, asked.questions);
  const button = asked.warn ? Dialog.warnButton({ label: asked.accept }) : Dialog.okButton({ label: asked.accept });
  const result = await showDialog({ title: asked.title, body, buttons: [Dialog.cancelButton(), button] });
  return result.button.accept ? body.getValue() : null;
}

/** Only the reason. */
export async function askWhy(title: string, about: string, accept: string, label = 'Reason'): Promise<string | null> {
  const answers = await ask({ title, about, accept, questions: [{ name: 'reason', label }] });
  return answers && answers.reason;
}
