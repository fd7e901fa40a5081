/** What is used of two clients, for a check of types where they are not installed yet. */
declare module '@aws-sdk/client-kms' {
  export interface KeyMetadata {
    readonly KeyId: string | undefined;
    readonly AWSAccountId?: string;
    readonly KeyState?: string;
    readonly KeySpec?: string;
    readonly KeyUsage?: string;
  }
  export class DescribeKeyCommand {
    constructor(input: { readonly KeyId: string });
    readonly output: { readonly KeyMetadata?: KeyMetadata };
  }
  export class GetKeyPolicyCommand {
    constructor(input: { readonly KeyId: string; readonly PolicyName: string });
    readonly output: { readonly Policy?: string };
  }
  export class NotFoundException extends Error {}
  export class KMSClient {
    constructor(config: object);
    send<Output>(command: { readonly output: Output }): Promise<Output>;
  }
}

declare module '@aws-sdk/client-lakeformation' {
  export interface PrincipalPermissions {
    readonly Principal?: { readonly DataLakePrincipalIdentifier?: string };
  }
  export interface DataLakeSettings {
    readonly DataLakeAdmins?: readonly { readonly DataLakePrincipalIdentifier?: string }[];
    readonly CreateDatabaseDefaultPermissions?: readonly PrincipalPermissions[];
    readonly CreateTableDefaultPermissions?: readonly PrincipalPermissions[];
  }
  export class GetDataLakeSettingsCommand {
    constructor(input: object);
    readonly output: { readonly DataLakeSettings?: DataLakeSettings };
  }
  export class LakeFormationClient {
    constructor(config: object);
    send<Output>(command: { readonly output: Output }): Promise<Output>;
  }
}
