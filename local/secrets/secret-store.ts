import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { readDataFile, writeDataFile } from '../data-directory';

/** One version of a secret's value. */
export interface SecretVersion {
  readonly versionId: string;
  readonly secretString?: string | undefined;
  /** Base64. */
  readonly secretBinary?: string | undefined;
  readonly createdAt: number;
  readonly stages: readonly string[];
}

export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly createdAt: number;
  readonly versions: readonly SecretVersion[];
}

/** What a caller stores: one of the two, and an id that makes a repeated call harmless. */
export interface NewVersion {
  readonly versionId?: string | undefined;
  readonly secretString?: string | undefined;
  readonly secretBinary?: string | undefined;
  readonly stages?: readonly string[] | undefined;
}

/** Secrets by ARN, kept in `dir/secrets.json` when a directory is given. */
export class SecretStore {
  private readonly secrets = new Map<string, Secret>();
  private readonly file: string | undefined;

  constructor(dir: string | undefined) {
    if (dir === undefined) return;
    mkdirSync(dir, { recursive: true });
    this.file = path.join(dir, 'secrets.json');
    const saved = (readDataFile(this.file) ?? []) as readonly Secret[];
    for (const secret of saved) this.secrets.set(secret.arn, secret);
  }

  /** The secret that an ARN or a name means. */
  find(id: string): Secret | undefined {
    return this.secrets.get(id) ?? [...this.secrets.values()].find((secret) => secret.name === id);
  }

  /** Creates a secret without a value; one that exists stays as it is. */
  create(arn: string, name: string, now: number): Secret {
    return this.find(arn) ?? this.keep({ arn, name, createdAt: now, versions: [] });
  }

  /** Adds a version and moves its stages to it; the version that was current becomes the previous one. */
  put(secret: Secret, version: NewVersion, now: number): SecretVersion {
    const stages = version.stages ?? ['AWSCURRENT'];
    const added = { ...version, versionId: version.versionId ?? randomUUID(), createdAt: now, stages };
    const replaced = stages.includes('AWSCURRENT');
    const versions = secret.versions
      .map((other) => {
        const wasCurrent = replaced && other.stages.includes('AWSCURRENT');
        const lost = replaced ? [...stages, 'AWSPREVIOUS'] : stages;
        const kept = other.stages.filter((stage) => !lost.includes(stage));
        return { ...other, stages: wasCurrent ? [...kept, 'AWSPREVIOUS'] : kept };
      })
      .filter((other) => other.stages.length > 0);
    this.keep({ ...secret, versions: [...versions, added] });
    return added;
  }

  private keep(secret: Secret): Secret {
    this.secrets.set(secret.arn, secret);
    if (this.file !== undefined) writeDataFile(this.file, [...this.secrets.values()]);
    return secret;
  }
}
