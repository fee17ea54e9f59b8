/** What counted figures must reach. Times are printed and not judged: they are the machine's. */
export const GOALS = {
  callsPerMessageInTens: 4.3,
  callsPerMessageAlone: 6,
  dollarsPerMillion: 5,
  dollarsPerMillionDeadLetters: 20,
  idleDollarsPerMonth: 3,
  hintBytes: 1_024,
  bundleKibibytes: 400,
} as const;
