/** Hexadecimal digits without the spaces that set the fields apart. */
export const hex = (spaced: string): string => spaced.replaceAll(' ', '')
