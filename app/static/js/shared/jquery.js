/* jQuery comes from its package as a plain script; modules import it from here. */
export const $ = window.jQuery;
