/** Runs Trino. Its own main class does the same, in an artifact that not every mirror of Maven's repository has. */
public class TrinoServer {
  public static void main(String[] args) {
    new io.trino.server.Server().start(args[0]);
  }
}
