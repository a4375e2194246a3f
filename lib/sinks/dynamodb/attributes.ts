/** The attribute that holds the stored version of an item. */
export const VERSION = '_version'
/**
 * The attribute of an item whose row was deleted. Only its keys and its version remain, so that no older row takes its
 * place.
 */
export const DELETED = '_deleted'
