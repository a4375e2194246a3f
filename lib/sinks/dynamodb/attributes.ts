/** The attribute that says which version of an item stands. */
export const VERSION = '_version'
/**
 * The attribute of an item whose row has ceased to be. It stays with its keys and version alone, so that no older row
 * takes its place.
 */
export const DELETED = '_deleted'
