export * from './checked-requests.ts'
export * from './openapi-document.ts'
export * from './response-checker.ts'
export * from './test-app.ts'
