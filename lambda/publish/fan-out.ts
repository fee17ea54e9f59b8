import type { UrlGroup } from '../url-group/url-group';
import type { NewMessage } from './publish-messages';

/** One message for each endpoint of a URL group, in the order of the endpoints. */
export function fanOut(content: Omit<NewMessage, 'url'>, group: UrlGroup): NewMessage[] {
  return group.endpoints.map(({ url, name }) => ({
    ...content,
    url,
    topicName: group.name,
    ...(name === undefined ? {} : { endpointName: name }),
  }));
}
