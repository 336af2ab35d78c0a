/** Value of an authorized-operations bit field when it was not asked for (KIP-430). */
export const unaskedOperations = -0x8000_0000
