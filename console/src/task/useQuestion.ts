/** Something that a person may do once he has said why: asked, sent, and perhaps refused. */

import { shallowReactive } from "vue";

import { ApiError } from "@/api/client";
import { clientId } from "@/api/clientId";

/** What goes along with a deed. */
export interface Said {
  client_id: string;
  at: string;
  note: string;
}

export interface Question<What> {
  /** What is asked for; null: nothing. */
  asked: What | null;
  note: string;
  busy: boolean;
  failure: ApiError | null;
  ask(what: What): void;
  /** One question is one deed: sent again after a failure it keeps its id. */
  answer(send: (what: What, said: Said) => Promise<unknown>): Promise<void>;
}

export function useQuestion<What>(): Question<What> {
  let id = "";
  const question = shallowReactive<Question<What>>({
    asked: null,
    note: "",
    busy: false,
    failure: null,
    ask(what) {
      Object.assign(question, { asked: what, note: "", failure: null });
      id = clientId();
    },
    async answer(send) {
      if (question.asked === null) return;
      Object.assign(question, { busy: true, failure: null });
      try {
        await send(question.asked, { client_id: id, at: new Date().toISOString(), note: question.note.trim() });
        question.asked = null;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        question.failure = error;
      } finally {
        question.busy = false;
      }
    },
  });
  return question;
}
