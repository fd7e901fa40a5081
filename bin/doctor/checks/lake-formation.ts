import { type DataLakeSettings, GetDataLakeSettingsCommand } from '@aws-sdk/client-lakeformation';
import { check, ok, problem, THE_ACCOUNT, warning } from '../check.ts';

/** Stands for whoever IAM allows. */
const BY_IAM = 'IAM_ALLOWED_PRINCIPALS';

/** Whether Lake Formation decides about new tables. https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html */
export const lakeFormation = check<undefined, DataLakeSettings>({
  name: 'Lake Formation',
  actions: ['lakeformation:GetDataLakeSettings'],
  things: () => THE_ACCOUNT,
  about: () => '',
  async ask({ lakeFormation }) {
    const { DataLakeSettings } = await lakeFormation.send(new GetDataLakeSettingsCommand({}));
    if (!DataLakeSettings) throw new Error('Lake Formation named no settings');
    return DataLakeSettings;
  },
  judge(settings, _, { config, region }) {
    const { CreateDatabaseDefaultPermissions, CreateTableDefaultPermissions, DataLakeAdmins = [] } = settings;
    const byIam = [CreateDatabaseDefaultPermissions, CreateTableDefaultPermissions].every((permissions = []) =>
      permissions.some(({ Principal }) => Principal?.DataLakePrincipalIdentifier === BY_IAM),
    );
    if (byIam && !config.lakeFormation) return [ok('New databases and tables are left to IAM.')];
    if (byIam)
      return [ok('New databases and tables are left to IAM: lakeFormation=true is not needed, and does no harm.')];
    if (!config.lakeFormation) {
      return [
        problem(
          'Lake Formation decides about new tables here, so Firehose would be refused the tables, and the deployment fail.',
          'npx cdk deploy -c lakeFormation=true',
        ),
      ];
    }
    const deploys = DataLakeAdmins.some(({ DataLakePrincipalIdentifier: arn = '' }) => isExecutionRole(arn));
    if (deploys) return [ok('Lake Formation decides about new tables, and the role that deploys is an administrator.')];
    return [
      warning(
        'Lake Formation decides about new tables, and the role that deploys (cdk-…-cfn-exec-role-…) is no data lake ' +
          'administrator: it can grant only on what it has created.',
        `https://${region}.console.aws.amazon.com/lakeformation/home?region=${region}#administrative-roles-tasks`,
      ),
    ];
  },
});

/** The role with which CloudFormation acts for CDK, whatever the qualifier of the bootstrap is. */
function isExecutionRole(arn: string): boolean {
  const name = arn.split('/').at(-1) ?? '';
  return name.startsWith('cdk-') && name.includes('-cfn-exec-role-');
}
