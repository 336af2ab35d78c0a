export interface Api<Request, Response> { readonly key: number; readonly request: Request; readonly response: Response }
