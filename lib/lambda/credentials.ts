/**
 * Takes the place of the SDK's chain of credential providers in bundles for Lambda, where credentials are in the
 * environment variables and nowhere else.
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
      'This bundle takes AWS credentials from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, as Lambda sets them; they are not set.',
    )
    // The name that the SDK and its callers know.
    error.name = 'CredentialsProviderError'
    throw error
  }
}
