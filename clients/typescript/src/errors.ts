/** Every failure that this package names. `what` says in one sentence what happened, `fix` what to do about it. */
export class ProofbridgeError extends Error {
  constructor(
    readonly what: string,
    readonly fix: string,
  ) {
    super(`${what}. ${fix}.`);
    this.name = new.target.name;
  }
}

/** A reader that was generated for one model was given a record of another. */
export class OutputOfAnotherModel extends ProofbridgeError {
  constructor(
    readonly expected: string,
    readonly got: string,
  ) {
    super(
      `the record is of model ${got}, and this reads model ${expected}`,
      "Generate a reader from that model's bundle: proofbridge model codegen DIR --out FOLDER",
    );
  }
}

/** The output of a record is not as many words as the model gives, or one of them is no number. */
export class OutputMisshapen extends ProofbridgeError {
  constructor(
    readonly modelId: string,
    readonly expected: number,
    readonly reason: string,
  ) {
    super(
      `the output is not ${expected} words, as one row of model ${modelId} gives: ${reason}`,
      "Hold the record against the chain; all rows of a batch as one statement are read row by row",
    );
  }
}

/** No answer of a server in time. */
export class ServerUnreachable extends ProofbridgeError {
  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(
      `the server at ${url} does not answer: ${reason}`,
      "Check the URL and that the server runs (proofbridge serve); what is on the chain can be read without it",
    );
  }
}

/** A server answered with a problem (RFC 9457). */
export class ServerRefused extends ProofbridgeError {
  constructor(
    readonly url: string,
    readonly status: number,
    readonly title: string,
    readonly reason: string,
  ) {
    super(`${url} answered ${status} ${title}: ${reason}`, "Mend the request as the answer says");
  }
}

/** An answer that is not of the form that the API describes. */
export class AnswerMalformed extends ProofbridgeError {
  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(
      `${url} answered with something else than its API describes: ${reason}`,
      "Check that the server and this client are of one version; ask another server",
    );
  }
}

/** A server says one thing and the chain another. */
export class AnswerDiffers extends ProofbridgeError {
  constructor(
    readonly inferenceId: string,
    readonly thing: string,
    readonly answered: string,
    readonly found: string,
  ) {
    super(
      `of inference ${inferenceId} the server says ${thing} ${answered}, and it is ${found}`,
      "Do not use the answer; ask again, and if it stays, do not use the server",
    );
  }
}

/** The chain does not hold what a server says that it holds. */
export class AnswerUnconfirmed extends ProofbridgeError {
  constructor(
    readonly inferenceId: string,
    readonly chainId: number,
    readonly ledger: string,
    readonly reason: string,
  ) {
    super(
      `chain ${chainId}, ledger ${ledger}, does not confirm inference ${inferenceId}: ${reason}`,
      "Do not use the answer; ask again after some blocks, as a reorganisation may have taken it, and ask another node",
    );
  }
}

/** The node is on another chain than the caller means. */
export class WrongChain extends ProofbridgeError {
  constructor(
    readonly expected: number,
    readonly got: number,
  ) {
    super(`the node is on chain ${got}, expected ${expected}`, "Give a node of the chain that you mean");
  }
}
