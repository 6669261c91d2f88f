// The types that the page and the API exchange, for `tsc --checkJs`. This file is not served.

/** A field of a provider's template (docs/providers.md). */
interface TemplateField {
  title?: string;
  description?: string;
  example?: string;
  pattern?: string;
  format?: 'hostname' | 'uuid' | 'email' | 'uri';
  enum?: string[];
  default_value?: string;
  prefix?: string;
  suffix?: string;
  optional?: boolean;
  secret?: boolean;
  hidden?: boolean;
  automated?: boolean;
  visible_when?: Record<string, string | string[]>;
  order?: number;
  doc_section?: string;
}

/** `GET /providers/{provider}` with a session token. */
interface Provider {
  name: string;
  display_name: string;
  auth_mode: string;
  docs?: string;
  docs_connect?: string;
  credentials?: Record<string, TemplateField>;
  connection_config?: Record<string, TemplateField>;
}

/** An item of `GET /integrations`. */
interface Integration {
  unique_key: string;
  provider: string;
  display_name: string;
}

/** `GET /connect/session`. */
interface Session {
  endUser: { id: string; email?: string; display_name?: string } | null;
  connectUISettings: {
    showWatermark: boolean;
    defaultTheme: string;
    theme: { light: { primary: string }; dark: { primary: string } };
  };
  allowed_integrations?: string[];
  integrations_config_defaults?: Record<string, { connection_config?: Record<string, unknown> }>;
  isReconnecting?: boolean;
  overrides?: Record<string, { docs_connect?: string }>;
  websocketsPath: string;
}

/** An item of `GET /connect/session/outcomes`. */
interface Outcome {
  provider_config_key: string;
  connection_id?: string;
  error?: string;
  at: string;
}

/** A message to the host page (the protocol of `@nangohq/frontend`). */
type HostMessage =
  | { type: 'ready' }
  | { type: 'close' }
  | { type: 'connect'; payload: Connected }
  | { type: 'error'; payload: { errorType: string; errorMessage: string } };

interface Connected {
  providerConfigKey: string;
  connectionId: string;
  isPending?: boolean;
}

/** What is stored while this tab is at the provider. */
interface Trip {
  token: string;
  key: string;
  known: string[];
}

/** A field of the form: a template's field, and the part of the request that its value goes to. */
interface Field extends TemplateField {
  name: string;
  title: string;
  place: 'credentials' | 'params' | 'override';
}

/** The values of a form, as the connect endpoints expect them. */
interface Filled {
  credentials: Record<string, string>;
  params: Record<string, string>;
  override: Record<string, string>;
}

/** A brand's logo: a path in a square of 24, and its colour. */
type Logos = Record<string, { colour: string; path: string }>;
