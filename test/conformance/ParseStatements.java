import io.trino.sql.parser.ParsingException;
import io.trino.sql.parser.SqlParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Reads statements from standard input, each ended by NUL, and writes a line for each: parsed, or the error. */
public class ParseStatements {
  public static void main(String[] args) throws IOException {
    String input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    SqlParser parser = new SqlParser();
    for (String statement : input.split("\0")) {
      try {
        parser.createStatement(statement);
        System.out.println("parsed");
      } catch (ParsingException error) {
        System.out.println(error.getMessage().replace('\n', ' '));
      }
    }
  }
}
