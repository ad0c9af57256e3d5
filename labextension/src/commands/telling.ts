/** What a command came to, told outside of any panel. */
import { Notification } from '@jupyterlab/apputils';
import { Refusal } from '../api';

/** Do it; a refusal is shown with its fix, and nothing is done without being told. */
export async function told(work: () => Promise<string | void>): Promise<void> {
  try {
    const said = await work();
    if (said) {
      Notification.success(said, { autoClose: 8000 });
    }
  } catch (error) {
    const { message, fix } = Refusal.from(error);
    Notification.error(`${message}${fix ? ` Fix: ${fix}` : ''}`, { autoClose: false });
  }
}
