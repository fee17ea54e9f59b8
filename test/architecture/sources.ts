import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.join(__dirname, '..', '..');

/** What one file takes from another. */
export interface Import {
  /** A source file by its path from the root, or a module by its name. */
  readonly from: string;
  /** Names of the values and types; `*` for all there are. */
  readonly names: readonly string[];
  /** Nothing of it is left when the program runs. */
  readonly isOfTypes: boolean;
}

export interface Source {
  /** Path from the root. */
  readonly file: string;
  readonly imports: readonly Import[];
  /** Names of the exported values; types are none. */
  readonly exports: readonly string[];
  /** Every name that is used, with its object where it is a property: `now`, `Date.now`; `new Date` has no arguments. */
  readonly mentions: ReadonlySet<string>;
}

/** Reads every TypeScript file at or below a place. */
export function readSources(...places: readonly string[]): Source[] {
  return places
    .flatMap((place) =>
      place.endsWith('.ts')
        ? [place]
        : readdirSync(path.join(ROOT, place), { recursive: true, encoding: 'utf8' }).map((file) =>
            path.join(place, file),
          ),
    )
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map(readSource);
}

function readSource(file: string): Source {
  const parsed = ts.createSourceFile(file, readFileSync(path.join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const exports: string[] = [];
  const mentions = new Set<string>();
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      imports.push({
        from: resolve(file, textOf(node.moduleSpecifier)),
        names: namesOf(node),
        isOfTypes: isOfTypes(node),
      });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      imports.push({ from: resolve(file, textOf(node.arguments[0]!)), names: ['*'], isOfTypes: false });
    } else if (ts.isIdentifier(node)) mentions.add(node.text);
    else if (ts.isPropertyAccessExpression(node)) mentions.add(node.getText());
    else if (ts.isNewExpression(node) && !node.arguments?.length) mentions.add(`new ${node.expression.getText()}`);
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  for (const statement of parsed.statements) if (isExported(statement)) exports.push(...valuesOf(statement));
  return { file, imports, exports, mentions };
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : node.getText();
}

function resolve(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  const target = path.join(path.dirname(file), specifier);
  const found = [target, `${target}.ts`, path.join(target, 'index.ts')].find(
    (candidate) => candidate.endsWith('.ts') && existsSync(path.join(ROOT, candidate)),
  );
  return found ?? target;
}

function namesOf(node: ts.ImportDeclaration | ts.ExportDeclaration): string[] {
  const clause = ts.isImportDeclaration(node) ? node.importClause : node;
  if (clause === undefined) return [];
  const bindings = ts.isImportClause(clause) ? clause.namedBindings : clause.exportClause;
  const own = ts.isImportClause(clause) && clause.name !== undefined ? ['default'] : [];
  if (bindings === undefined) return own.length > 0 ? own : ['*'];
  if (!ts.isNamedImports(bindings) && !ts.isNamedExports(bindings)) return [...own, '*'];
  return [...own, ...bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text)];
}

function isOfTypes(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  const clause = ts.isImportDeclaration(node) ? node.importClause : node;
  if (clause === undefined || clause.isTypeOnly) return clause !== undefined;
  const bindings = ts.isImportClause(clause) ? clause.namedBindings : clause.exportClause;
  if (bindings === undefined || (!ts.isNamedImports(bindings) && !ts.isNamedExports(bindings))) return false;
  return bindings.elements.every(({ isTypeOnly }) => isTypeOnly);
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

function valuesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return [statement.name!.text];
  return [];
}
