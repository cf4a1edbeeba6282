// In a front end this folder is a copy of client/.
export * from '../../../../client/apollo.ts'
export * from '../../../../client/index.ts'
