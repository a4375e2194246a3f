/**
 * Replaces the SDK's chain of credential providers in bundles for Lambda, where credentials are always in the
 * environment variables.
 */
export function defaultProvider() {
  return async () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
    if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY) {
      return {
        accessKeyId: AWS_ACCESS_KEY_ID,
        secretAccessKey: AWS_SECRET_ACCESS_KEY,
        ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
      }
    }
    const error = new Error(
      'This bundle reads AWS credentials only from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which Lambda sets, but they are not set.',
    )
    // The error name that the SDK and its callers expect.
    error.name = 'CredentialsProviderError'
    throw error
  }
}
