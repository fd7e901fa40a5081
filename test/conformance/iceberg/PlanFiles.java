import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.rest.RESTCatalog;

/**
 * Plans scans with Iceberg's own library. Standard input: JSON, {"catalog": properties, "database": its name,
 * "questions": [{"table", "where": [column, operator, value]}]}. Output: a JSON list with the paths of the files of each.
 */
public class PlanFiles {
  public static void main(String[] args) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    JsonNode given = mapper.readTree(System.in);
    Map<String, String> properties = new HashMap<>();
    given.get("catalog").fields().forEachRemaining(each -> properties.put(each.getKey(), each.getValue().asText()));
    ArrayNode answers = mapper.createArrayNode();
    try (RESTCatalog catalog = new RESTCatalog()) {
      catalog.initialize("lake", properties);
      for (JsonNode question : given.get("questions")) {
        Namespace database = Namespace.of(given.get("database").asText());
        Table table = catalog.loadTable(TableIdentifier.of(database, question.get("table").asText()));
        TableScan scan = table.newScan();
        if (question.has("where")) scan = scan.filter(condition(question.get("where")));
        ObjectNode answer = answers.addObject();
        ArrayNode files = answer.putArray("files");
        try (CloseableIterable<FileScanTask> tasks = scan.planFiles()) {
          for (FileScanTask task : tasks) files.add(task.file().location());
        }
      }
    }
    System.out.println(mapper.writeValueAsString(answers));
  }

  private static Expression condition(JsonNode where) {
    String column = where.get(0).asText();
    String operator = where.get(1).asText();
    if (operator.equals("is null")) return Expressions.isNull(column);
    if (operator.equals("is not null")) return Expressions.notNull(column);
    Object value = value(column, where.get(2));
    return switch (operator) {
      case "=" -> Expressions.equal(column, value);
      case "<" -> Expressions.lessThan(column, value);
      case "<=" -> Expressions.lessThanOrEqual(column, value);
      case ">" -> Expressions.greaterThan(column, value);
      case ">=" -> Expressions.greaterThanOrEqual(column, value);
      default -> throw new IllegalArgumentException(operator);
    };
  }

  private static Object value(String column, JsonNode value) {
    if (column.equals("time")) return value.asText().replace(' ', 'T');
    if (column.equals("seconds")) return value.asDouble();
    return value.isNumber() ? (Object) value.asLong() : value.asText();
  }
}
