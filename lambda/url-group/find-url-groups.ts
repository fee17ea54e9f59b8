import { URL_GROUP_PARTITION, urlGroupKey } from '../store/keys';
import { getItem, queryPartition } from '../store/read-items';
import { decodeUrlGroup, type UrlGroup } from './url-group';

export async function getUrlGroup(name: string): Promise<UrlGroup | undefined> {
  const item = await getItem(urlGroupKey(name));
  return item && decodeUrlGroup(item);
}

/** Every URL group by name. */
export async function listUrlGroups(): Promise<UrlGroup[]> {
  const groups: UrlGroup[] = [];
  let after: string | undefined;
  do {
    const page = await queryPartition({ partition: URL_GROUP_PARTITION, from: '!', to: '~', after });
    groups.push(...page.items.map(decodeUrlGroup));
    after = page.lastSort;
  } while (after !== undefined);
  return groups;
}
